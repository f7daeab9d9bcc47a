<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

/**
 * @property int $id
 * @property string $status
 * @property string|null $completed_by
 * @property \Illuminate\Support\Carbon|null $completed_at
 */
class Inspection extends Model
{
    public $timestamps = false;

    protected $fillable = ['id', 'status', 'completed_by', 'completed_at'];

    /**
     * @return array<string, string>
     */
    protected function casts(): array
    {
        return ['completed_at' => 'datetime'];
    }
}
